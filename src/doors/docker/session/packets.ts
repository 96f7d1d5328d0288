/** Kinds of BuildKit's file packets (fsutil, types/wire.proto). */
export const PACKET = { stat: 0, request: 1, data: 2, fin: 3, error: 4 } as const;
