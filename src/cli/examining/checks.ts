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

/** A result with the command that mends it, or what to do. */
const finding =
  (status: Check['status']) =>
  (area: Area, message: string, fix: string | null, subject: string | null = null): Check => ({
    area,
    subject,
    status,
    message,
    fix,
  });

export const problem = finding('problem');
export const note = finding('note');
