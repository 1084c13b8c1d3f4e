import { withDefaults } from '../config/env-file.ts';
import { placeVariables } from '../config/variables.ts';
import type { Environment } from '../runtime/environment.ts';

/** Shorter values are equal by chance, such as `postgres`. */
const minSharedChars = 16;

/** The names of variables and their values, those of an import included: one value has one name, one name one value. */
export class Vault {
  /** What has to be written into `mcpstead.env`. */
  readonly added = new Map<string, string>();
  readonly #file: ReadonlyMap<string, string>;
  readonly #env: Environment;
  readonly #reserved = new Set<string>();
  readonly #names = new Map<string, string>();

  /** @param file the variables of `mcpstead.env`. @param env those of the process, which win over it */
  constructor(file: ReadonlyMap<string, string>, env: Environment) {
    this.#file = file;
    this.#env = env;
    for (const [name, value] of file) if ((env[name] ?? value) === value) this.#remember(name, value);
  }

  /** A copy to try something with. */
  copy(): Vault {
    const copy = new Vault(this.#file, this.#env);
    for (const [name, value] of this.added) copy.set(name, value);
    for (const name of this.#reserved) copy.reserve(name);
    return copy;
  }

  /** All variables with their values. */
  get environment(): Environment {
    return withDefaults(this.#env, new Map([...this.#file, ...this.added]));
  }

  /** The value of a variable, or undefined. */
  valueOf(name: string): string | undefined {
    return this.#env[name] || this.added.get(name) || this.#file.get(name);
  }

  /** Keeps a name for a variable that a client refers to by it. */
  reserve(name: string): void {
    this.#reserved.add(name);
  }

  /** Stores the value of a variable that is referred to by its name. */
  set(name: string, value: string): void {
    this.added.set(name, value);
    this.#remember(name, value);
  }

  /**
   * Copies the value of a variable from the environment of this process: a gateway that a service starts has another one. True if the
   * variable has a value then.
   */
  keep(name: string): boolean {
    if (placeVariables.has(name)) return this.#env[name] !== undefined;
    const value = this.#env[name];
    if (value && this.#file.get(name) !== value) this.set(name, value);
    return this.valueOf(name) !== undefined;
  }

  /** The name of the variable for a secret: the first of `names` that is free, or the one that it has already. */
  nameFor(value: string, names: readonly string[]): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    let name = names.find((each) => this.#isFree(each, value));
    for (let number = 2; name === undefined; number++) {
      const numbered = `${names.at(-1)}_${number}`;
      if (this.#isFree(numbered, value)) name = numbered;
    }
    if (this.#file.get(name) !== value) this.set(name, value);
    return name;
  }

  #remember(name: string, value: string): void {
    if (value.length >= minSharedChars && !this.#names.has(value)) this.#names.set(value, name);
  }

  #isFree(name: string, value: string): boolean {
    // The environment wins over the file.
    if (this.#env[name] !== undefined && this.#env[name] !== value) return false;
    const known = this.#file.get(name) ?? this.added.get(name);
    if (known !== undefined) return known === value;
    return !this.#reserved.has(name) || this.#env[name] === value;
  }
}
