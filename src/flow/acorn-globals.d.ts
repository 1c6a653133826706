declare module "acorn-globals" {
  /** @returns the names that a program uses and does not declare. @throws SyntaxError. */
  export default function detectGlobals(program: string): readonly { readonly name: string }[];
}
