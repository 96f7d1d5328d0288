import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';

/** What the SDK hangs on its errors. */
interface Answered {
  name: string;
  $metadata?: { httpStatusCode?: number };
}

/** Names that S3 and its likes give to what passes by itself, beside every 5xx. */
const PASSING = ['SlowDown', 'RequestTimeout', 'RequestTimeTooSkewed', 'TimeoutError', 'OperationAborted', 'BadDigest'];
const NETWORK = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];
/** S3's own word, and that of servers whose disks are full. */
const FULL = 507;

function answered(error: unknown): Answered | undefined {
  return error instanceof Error && '$metadata' in error ? (error as Answered) : undefined;
}

function statusOf(error: unknown): number | undefined {
  return answered(error)?.$metadata?.httpStatusCode;
}

/** There is no such object. A bucket that doesn't exist is not meant. */
export function isMissing(error: unknown): boolean {
  const name = answered(error)?.name;
  return name !== 'NoSuchBucket' && (name === 'NoSuchKey' || statusOf(error) === 404);
}

/** Whether the same request may succeed a moment later. */
export function mayPass(error: unknown): boolean {
  if (error instanceof Problem || !(error instanceof Error) || isAborted(error)) return false;
  const status = statusOf(error);
  if (status === FULL || status === 501) return false;
  return PASSING.includes(error.name) || status === 429 || (status ?? 0) >= 500 || isNetwork(error);
}

function isNetwork(error: Error): boolean {
  return hasErrorCode(error, ...NETWORK) || /socket hang up|aborted|Premature close/.test(error.message);
}

function isAborted(error: Error): boolean {
  return error.name === 'AbortError';
}

/** An error of a bucket in the words of whoever has to mend it; what is no such error passes unchanged. */
export function bucketProblem(error: unknown, url: string): unknown {
  if (error instanceof Problem || !(error instanceof Error)) return error;
  if (isAborted(error)) return new Problem('cancelled', 'a request to the bucket was cancelled', { cause: error });
  const status = statusOf(error);
  const trouble = (text: string, hint: string) =>
    new Problem('unavailable', `the content of this server is in ${url}, ${text}`, { hint, cause: error });
  if (status === FULL)
    return new Problem('exhausted', `no space left in ${url}: ${messageOf(error)}`, { cause: error });
  if (error.name === 'NoSuchBucket')
    return trouble('and that bucket does not exist', 'Make the bucket, or correct `content` in slipway.yaml.');
  if (status === 401 || status === 403)
    return trouble(`which refuses us: ${wordsOf(error)}`, 'Check the keys, their rights on the bucket, and the clock.');
  if (error.name === 'CredentialsProviderError')
    return trouble(`and no keys for it were found: ${messageOf(error)}`, CREDENTIALS);
  if (mayPass(error)) return trouble(`which does not answer: ${wordsOf(error)}`, 'Try again in a moment.');
  if (status !== undefined) return trouble(`which answers ${status}: ${wordsOf(error)}`, 'See docs/object-storage.md.');
  return error;
}

const CREDENTIALS =
  'Set content.accessKeyId and content.secretKeyFile in slipway.yaml, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';

/** Some answers have a name and no text, and network errors of two addresses have none of their own. */
function wordsOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  const text = messageOf(error);
  if (text !== '' && text !== 'UnknownError') return text;
  return code ?? error.name;
}
