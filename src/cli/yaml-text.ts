/** Objects as YAML. A file of its own: loaded when YAML is asked for, by a name of its own, as the bundle gives packages none. */
import { Document, visit } from "yaml";
import { safeJson, safeText } from "../base/safe-text.js";

/** YAML in which nothing but printable text stands as it is. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && safeText(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
  });
  return safeJson(document.toString({ lineWidth: 0 }));
}
