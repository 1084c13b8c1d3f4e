import { afterAll, afterEach, beforeAll, expect } from 'bun:test';

/** Fails every test of the file that leaves an unhandled rejection. Call it once, at the top. */
export function failOnStrayErrors(): void {
  const stray: unknown[] = [];
  const note = (error: unknown) => void stray.push(error);
  beforeAll(() => {
    process.on('unhandledRejection', note);
  });
  afterAll(() => {
    process.off('unhandledRejection', note);
  });
  afterEach(() => {
    expect(stray.splice(0)).toEqual([]);
  });
}
