import type { Check } from '../contracts/doctor.ts';

type Area = Check['area'];

// The findings of doctor.

export const good = (area: Area, message: string, subject: string | null = null): Check => ({
  area,
  subject,
  status: 'ok',
  message,
  fix: null,
});

const finding =
  (status: Check['status']) =>
  /** @param fix the command that fixes it, or what to do; null: nothing */
  (area: Area, message: string, fix: string | null, subject: string | null = null): Check => ({
    area,
    subject,
    status,
    message,
    fix,
  });

export const problem = finding('problem');
export const note = finding('note');
