/** Forms of options that kubectl takes and commander does not: `-o=yaml`, `--all=true`, `--dry-run=client`. Pure. */

/** What a command says of one of its options. */
export interface KnownOption {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  /** It takes a value, or may take one. */
  readonly hasValue: boolean;
}

/** Values of `--dry-run` that say that nothing is to be done; `none` says that something is. */
const DRY: ReadonlySet<string> = new Set(["client", "server"]);

/** @returns the words of a command line in commander's form; what it does not know stays as it is. */
export function plainWords(words: readonly string[], options: readonly KnownOption[]): string[] {
  const end = words.indexOf("--");
  const [own, rest] = end < 0 ? [words, []] : [words.slice(0, end), words.slice(end)];
  return [...own.flatMap((word) => plainWord(word, options)), ...rest];
}

function plainWord(word: string, options: readonly KnownOption[]): readonly string[] {
  const match = /^(-[A-Za-z]|--[a-z-]+)=([\s\S]*)$/.exec(word);
  const [, name = "", value = ""] = match ?? [];
  const option = options.find(({ short, long }) => name !== "" && (short === name || long === name));
  if (option === undefined) return [word];
  if (option.hasValue) return name.startsWith("--") ? [word] : [name, value];
  if (value === "true" || (name === "--dry-run" && DRY.has(value))) return [name];
  return value === "false" || (name === "--dry-run" && value === "none") ? [] : [word];
}
