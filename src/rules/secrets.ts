/** The Secrets of a cluster, as rules read them. */

export type SecretRead =
  | { readonly outcome: "Found"; readonly data: ReadonlyMap<string, Uint8Array> }
  | { readonly outcome: "Absent" }
  /** Why, and what to do. */
  | { readonly outcome: "Refused"; readonly problem: string }
  /** Nobody answers now. */
  | { readonly outcome: "Unreachable"; readonly problem: string };

export interface Secrets {
  read(namespace: string, name: string): Promise<SecretRead>;
}

/**
 * Secrets that were read before serve while nobody answers: a task that dies starts again although the API server is away.
 * They are kept in the memory of this process alone.
 */
export class RememberedSecrets implements Secrets {
  readonly #secrets: Secrets;
  readonly #known = new Map<string, SecretRead>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  async read(namespace: string, name: string): Promise<SecretRead> {
    const key = `${namespace}/${name}`;
    const read = await this.#secrets.read(namespace, name);
    if (read.outcome === "Unreachable") return this.#known.get(key) ?? read;
    if (read.outcome === "Found") this.#known.set(key, read);
    else this.#known.delete(key);
    return read;
  }
}
