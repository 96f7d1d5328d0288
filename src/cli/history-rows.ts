import type { ImageDetails } from '../engine/engine.ts';

export interface HistoryRow {
  /** 1 for the first layer; absent for metadata, which makes none. */
  layer?: number;
  digest?: string;
  bytes?: number;
  created?: string;
  createdBy: string;
}

/** Oldest first. History and layers are matched in order; an image without history still shows its layers. */
export function historyRows({ config, layers }: Pick<ImageDetails, 'config' | 'layers'>): HistoryRow[] {
  const rows: HistoryRow[] = [];
  let next = 0;
  const takeLayer = (): Partial<HistoryRow> => {
    const layer = layers[next++];
    return layer === undefined ? {} : { layer: next, digest: layer.blob.digest, bytes: layer.blob.size };
  };
  for (const entry of config.history ?? []) {
    const made = entry.empty_layer === true ? {} : takeLayer();
    rows.push({
      ...made,
      ...(entry.created === undefined ? {} : { created: entry.created }),
      createdBy: entry.created_by ?? '',
    });
  }
  while (next < layers.length) rows.push({ ...takeLayer(), createdBy: '(no history)' });
  return rows;
}
