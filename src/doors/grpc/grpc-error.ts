/** Codes of gRPC that we send or look at, by their numbers in the trailer `grpc-status`. */
const CODES = {
  cancelled: 1,
  unknown: 2,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  aborted: 10,
  'out-of-range': 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  'data-loss': 15,
  unauthenticated: 16,
} as const;

export type GrpcCode = keyof typeof CODES;

/** Something beside the message of an error, for the client's program: a message of protobuf, or JSON, by the name of its type. */
export interface GrpcDetail {
  typeUrl: string;
  value: Uint8Array;
}

/** A call that ended with another status than OK: what the other end said, or what it is to be told. */
export class GrpcError extends Error {
  readonly code: GrpcCode;
  readonly details: readonly GrpcDetail[];

  constructor(code: GrpcCode, message: string, details: readonly GrpcDetail[] = []) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
    this.details = details;
  }
}

export function numberOfCode(code: GrpcCode): number {
  return CODES[code];
}

/** Numbers that gRPC doesn't define mean `unknown`. */
export function codeOfNumber(number: number): GrpcCode {
  const found = Object.entries(CODES).find(([, value]) => value === number);
  return found === undefined ? 'unknown' : (found[0] as GrpcCode);
}
