import type { LayerItem } from '../layers/write-layer.ts';
import type { Watch } from '../progress.ts';

/** The bytes of a longer file are counted while they pass; of a shorter one when it has been written. */
const COUNTED_FILE = 4 << 20;

/** Tells how many bytes of files have gone into a layer, as `name`, while it is written. */
export async function* watchedItems(
  items: AsyncIterable<LayerItem>,
  name: string,
  watch: Watch,
): AsyncGenerator<LayerItem> {
  let written = 0;
  for await (const item of items) {
    const before = written;
    const { open } = item.kind === 'entry' ? item : {};
    if (item.kind !== 'entry' || open === undefined) yield item;
    else if (item.entry.size < COUNTED_FILE) {
      yield item;
      written = before + item.entry.size;
    } else
      yield {
        ...item,
        open: async function* () {
          for await (const chunk of open()) {
            written += chunk.length;
            watch(name, written, undefined, false);
            yield chunk;
          }
        },
      };
    // the consumer comes back when it has written the item
    if (written > before) watch(name, written, undefined, false);
  }
  watch(name, written, undefined, true);
}
