// Generated from crds/ by `npm run generate`. Do not edit.
/** One thing that is wrong, as ajv says it. */
export interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}
export interface SpecValidator {
  (value: unknown): boolean;
  errors: readonly SchemaError[] | null;
}
export declare const validateVideoFlowSpec: SpecValidator;
export declare const validateHostSpec: SpecValidator;
