import type { Place } from '../config/places.ts';

/** The place of this process. */
export const place: Place = { env: process.env, platform: process.platform };
