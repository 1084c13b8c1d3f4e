import icon from './icon.svg' with { type: 'text' };
import script from './script.js' with { type: 'text' };
import style from './style.css' with { type: 'text' };

/** The files of the page, by their paths: each with its media type. */
export const assets = {
  '/-/page.css': [style, 'text/css;charset=utf-8'],
  '/-/page.js': [script, 'text/javascript;charset=utf-8'],
  '/-/page.svg': [icon, 'image/svg+xml'],
} as const;
