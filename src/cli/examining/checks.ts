import type { Check } from '../contracts/doctor.ts';

type Area = Check['area'];

// The results of the checks, in words.

export const good = (area: Area, message: string, subject: string | null = null): Check => ({
  area,
  subject,
  status: 'ok',
  message,
  fix: null,
});

/** @param fix the command that mends it, or what to do */
export const problem = (
  area: Area,
  message: string,
  fix: string | null,
  subject: string | null = null,
): Check => ({
  area,
  subject,
  status: 'problem',
  message,
  fix,
});

export const note = (
  area: Area,
  message: string,
  fix: string | null,
  subject: string | null = null,
): Check => ({
  area,
  subject,
  status: 'note',
  message,
  fix,
});
