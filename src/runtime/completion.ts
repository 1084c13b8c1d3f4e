/**
 * The two ways in which an operation ends: one of them is called, once. `Promise.withResolvers()` fits. The path of a call uses
 * completions instead of promises (docs/performance.md#callbacks).
 */
export interface Completion<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}
