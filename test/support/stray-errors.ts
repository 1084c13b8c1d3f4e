import { afterAll, afterEach, beforeAll, expect } from 'bun:test';

/** Lets every test of the file fail that leaves a rejection behind which nobody waits for. Call it once, on top. */
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
