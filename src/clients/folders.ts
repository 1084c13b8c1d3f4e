import { homeDirectory, type Place } from '../config/places.ts';

// Where clients keep their files. A folder that the environment does not name is null, and so is every path in it.

/** A path below `folder`, written with the separators of the system. */
export function below({ platform }: Place, folder: string | null, path: string): string | null {
  if (folder === null) return null;
  return platform === 'win32' ? `${folder}\\${path.replaceAll('/', '\\')}` : `${folder}/${path}`;
}

/** A path below the home directory. */
export const belowHome = (place: Place, path: string) => below(place, homeDirectory(place), path);

/** `%APPDATA%` */
const roaming = (place: Place) => place.env.APPDATA || belowHome(place, 'AppData/Roaming');

/** `$XDG_CONFIG_HOME`, else `~/.config`, on each system: programs of the command line use it on macOS, too. */
export function belowXdgConfig(place: Place, path: string): string | null {
  const named = place.platform === 'win32' ? undefined : place.env.XDG_CONFIG_HOME;
  // The XDG Base Directory Specification says to ignore a relative path.
  return below(place, named?.startsWith('/') ? named : belowHome(place, '.config'), path);
}

/** A path below the folder in which graphical programs keep their settings. */
export function belowAppData(place: Place, path: string): string | null {
  if (place.platform === 'win32') return below(place, roaming(place), path);
  if (place.platform === 'darwin') return belowHome(place, `Library/Application Support/${path}`);
  return belowXdgConfig(place, path);
}
