import { decompress } from '../../images/decompress.ts';
import { readTar } from '../../images/tar/read.ts';
import { openUnchanged } from '../context/open-unchanged.ts';
import type { SourceEntry } from '../context/source-tree.ts';
import { fileBytes, layerFileBytes } from '../layers/file-bytes.ts';
import { fromHeader } from '../layers/tar-entries.ts';
import { type LayerItem, PassingBytes } from '../layers/write-layer.ts';
import type { ArchivePlaces } from './archive-places.ts';
import type { PlannedEntry } from './copy-plan.ts';
import type { CopySelection } from './copy-selection.ts';

/** What a copy's plan writes into its layer, in order; archives are opened and their entries put below their folder. */
export async function* copyItems(
  planned: readonly PlannedEntry[],
  selection: CopySelection,
  places: ArchivePlaces,
): AsyncGenerator<LayerItem, void, undefined> {
  for (const { entry, bytes, archive } of planned) {
    if (archive !== undefined) {
      yield* archiveItems(entry.path, archive, selection, places);
      continue;
    }
    if (selection.archives.size > 0) await places.note(entry);
    if (bytes === undefined) yield { kind: 'entry', entry };
    else if (bytes.kind === 'text') {
      const text = Buffer.from(bytes.text);
      yield {
        kind: 'entry',
        entry,
        open: async function* () {
          yield text;
        },
      };
    } else yield fileItem(entry, bytes.source, selection);
  }
}

function fileItem(entry: PlannedEntry['entry'], source: SourceEntry, selection: CopySelection): LayerItem {
  let seenMs = 0;
  return {
    kind: 'entry',
    entry,
    open: () => {
      seenMs = Date.now();
      const { fd, size } = openUnchanged(selection.treeOf(source), source, 'copied');
      return layerFileBytes(fd, size);
    },
    measured: (digest) => selection.measured(source, digest, seenMs),
  };
}

function bytesOf(source: SourceEntry, selection: CopySelection): AsyncIterable<Uint8Array> {
  const { fd, size } = openUnchanged(selection.treeOf(source), source, 'copied');
  return fileBytes(fd, size);
}

async function* archiveItems(
  folder: string,
  source: SourceEntry,
  selection: CopySelection,
  places: ArchivePlaces,
): AsyncGenerator<LayerItem, void, undefined> {
  const seenMs = Date.now();
  const packed = new PassingBytes(bytesOf(source, selection), false);
  for await (const { header, body } of readTar(decompress(packed))) {
    const change = fromHeader(header);
    if (change?.kind !== 'entry' || change.entry.path === '') continue;
    for (const entry of await places.place(folder, change.entry))
      yield { kind: 'entry', entry, open: entry.type === 'file' ? () => body : undefined };
  }
  // a reader of archives may stop at their end mark: what stands behind it belongs to the file's digest too
  const whole = packed.size === source.size ? packed : new PassingBytes(bytesOf(source, selection), false);
  if (whole !== packed) for await (const _ of whole);
  selection.measured(source, whole.finish(), seenMs);
}
