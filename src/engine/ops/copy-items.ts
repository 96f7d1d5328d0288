import { decompress } from '../../images/decompress.ts';
import { readTar } from '../../images/tar/read.ts';
import { openUnchanged } from '../context/open-unchanged.ts';
import type { SourceEntry } from '../context/source-tree.ts';
import { fileBytes } from '../layers/file-bytes.ts';
import { PassingBytes } from '../layers/passing-bytes.ts';
import { fromHeader } from '../layers/tar-entries.ts';
import type { LayerItem } from '../layers/write-layer.ts';
import type { ArchivePlaces } from './archive-places.ts';
import type { PlannedEntry } from './copy-plan.ts';
import type { CopySelection } from './copy-selection.ts';

/** What a copy's plan writes into its layer, in order; archives are opened and their entries put below their folder. */
export function copyItems(
  planned: readonly PlannedEntry[],
  selection: CopySelection,
  places: ArchivePlaces,
): AsyncIterable<LayerItem> | Iterable<LayerItem> {
  return selection.archives.size === 0 ? plainItems(planned, selection) : itemsWithArchives(planned, selection, places);
}

function* plainItems(planned: readonly PlannedEntry[], selection: CopySelection): Generator<LayerItem> {
  for (const each of planned) yield plainItem(each, selection);
}

async function* itemsWithArchives(
  planned: readonly PlannedEntry[],
  selection: CopySelection,
  places: ArchivePlaces,
): AsyncGenerator<LayerItem, void, undefined> {
  for (const each of planned) {
    const { entry, archive } = each;
    if (archive !== undefined) {
      yield* archiveItems(entry.path, archive, selection, places);
      continue;
    }
    await places.note(entry);
    yield plainItem(each, selection);
  }
}

function plainItem({ entry, source, text }: PlannedEntry, selection: CopySelection): LayerItem {
  if (source !== undefined) return fileItem(entry, source, selection);
  if (text === undefined) return { kind: 'entry', entry };
  return {
    kind: 'entry',
    entry,
    open: async function* () {
      yield Buffer.from(text);
    },
  };
}

function fileItem(entry: PlannedEntry['entry'], source: SourceEntry, selection: CopySelection): LayerItem {
  let seenMs = 0;
  return {
    kind: 'entry',
    entry,
    open: () => {
      seenMs = Date.now();
      return openUnchanged(selection.treeOf(source), source, 'copied');
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
