import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { StatusSchema } from './gen/rpc-status_pb.ts';
import { codeOfNumber, type GrpcDetail, GrpcError, numberOfCode } from './grpc-error.ts';

/** The end of a call as trailers say it (gRPC over HTTP/2, section "Responses"). */
export function trailersOf(error: GrpcError | undefined): OutgoingHttpHeaders {
  if (error === undefined) return { 'grpc-status': '0' };
  const { message, details } = error;
  const code = numberOfCode(error.code);
  const headers: OutgoingHttpHeaders = { 'grpc-status': String(code), 'grpc-message': escaped(message) };
  if (details.length > 0) {
    const status = create(StatusSchema, { code, message, details: details.map((detail) => create(AnySchema, detail)) });
    headers['grpc-status-details-bin'] = Buffer.from(toBinary(StatusSchema, status))
      .toString('base64')
      .replace(/=+$/, '');
  }
  return headers;
}

/** @returns undefined when the call went well */
export function errorOfTrailers(headers: IncomingHttpHeaders): GrpcError | undefined {
  const status = headers['grpc-status'];
  if (status === '0') return undefined;
  if (status === undefined) return new GrpcError('unknown', 'the other end closed the call without a status');
  return new GrpcError(codeOfNumber(Number(status)), unescaped(headers['grpc-message']), detailsOf(headers));
}

function detailsOf(headers: IncomingHttpHeaders): GrpcDetail[] {
  const encoded = headers['grpc-status-details-bin'];
  if (typeof encoded !== 'string') return [];
  try {
    return fromBinary(StatusSchema, Buffer.from(encoded, 'base64')).details;
  } catch {
    return []; // they add to the message, and its meaning stands without them
  }
}

/** Bytes of UTF-8 beyond printable ASCII, and `%`, as `%XX`. */
function escaped(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text))
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}

function unescaped(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header : '';
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
