import { homeDirectory, type Place } from '../../config/places.ts';

/** A path for people: `~` stands for the home directory. */
export function shownPath(path: string, place: Place): string {
  const home = homeDirectory(place);
  if (home === null || home === '/' || !path.startsWith(home)) return path;
  const rest = path.slice(home.length);
  return /^[/\\]/.test(rest) ? `~${rest}` : path;
}
