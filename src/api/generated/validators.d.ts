// Generated from crds/ by `npm run generate`. Do not edit.
import type { ValidateFunction } from "ajv";
export declare const validateDeviceClaimSpec: ValidateFunction;
export declare const validateFlowTaskSpec: ValidateFunction;
export declare const validateHostSpec: ValidateFunction;
export declare const validateVideoFlowSpec: ValidateFunction;
