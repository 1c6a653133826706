/** Params whose value stands elsewhere, as users of the TypeScript API write them. */

/**
 * Stands for the text of a file, which the agent reads each time it starts a task of the node.
 *
 * In the program that builds the flow it is a placeholder; in the task it is the text. A component reads such a param in
 * `open()` or later, or in its constructor as it is called in the task: there it is the text already.
 *
 * @param file path, relative to the folder of the module; the last line break of the file is left out.
 */
export function valueFromFile(file: string): string {
  return { valueFrom: { file } } as unknown as string; // The type of what the task gets.
}

/**
 * Stands for a key of a Secret of the flow's namespace; see {@link valueFromFile}. For flows of a cluster.
 *
 * @param name of the Secret.
 * @param key  in its data.
 */
export function valueFromSecret(name: string, key: string): string {
  return { valueFrom: { secretKeyRef: { name, key } } } as unknown as string; // The type of what the task gets.
}
