import icon from './icon.svg' with { type: 'text' };
import script from './script.js' with { type: 'text' };
import style from './style.css' with { type: 'text' };

/** The files of the page, by the ends of their names: each with its media type. */
export const assets = {
  css: [style, 'text/css;charset=utf-8'],
  js: [script, 'text/javascript;charset=utf-8'],
  svg: [icon, 'image/svg+xml'],
} as const;
