/** The two ways in which an operation ends: one of them is called, once. `Promise.withResolvers()` fits. */
export interface Completion<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}
