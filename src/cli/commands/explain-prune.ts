import type { BlobFate, BlobSum } from '../../doors/control/house-wire.ts';
import { shortDigest } from '../../images/digest.ts';
import { formatBytes } from '../../lib/bytes.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { withControl } from '../with-control.ts';

/** `slipway prune --dry-run`: a line for each blob as it is judged, because there may be a million. */
export async function explainPrune(context: CliContext, json: boolean): Promise<number> {
  const { terminal } = context;
  const { stays, goes } = await withControl(context, (control) =>
    control.call(
      'explainPrune',
      {},
      (page) => {
        for (const fate of page) terminal.out(json ? `${JSON.stringify(fate)}\n` : lineOf(fate));
      },
      context.signal,
    ),
  );
  terminal.err(`${sumOf(goes)} would go to the trash; ${sumOf(stays)} ${stays.blobs === 1 ? 'stays' : 'stay'}.\n`);
  return EXIT.done;
}

function lineOf({ goes, digest, size, reason, until }: BlobFate): string {
  const end = goes || until === undefined ? '' : `, until ${new Date(until).toISOString().slice(0, 16)}Z`;
  return `${goes ? 'goes ' : 'stays'}  ${shortDigest(digest)}  ${formatBytes(size).padStart(8)}  ${reason}${end}\n`;
}

function sumOf({ blobs, bytes }: BlobSum): string {
  return `${blobs} ${blobs === 1 ? 'blob' : 'blobs'}, ${formatBytes(bytes)},`;
}
