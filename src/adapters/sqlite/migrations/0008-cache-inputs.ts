import type { Migration } from './migration.ts';

export const cacheInputs: Migration = {
  name: '0008-cache-inputs',
  up: [
    // a hit needs none of the inputs, and a COPY of a large context has thousands
    "alter table cache_records add column inputs text not null default '[]'",
    "alter table cache_records add column text text not null default ''",
    'alter table cache_records add column size integer not null default 0',
    `update cache_records set inputs = coalesce(record ->> '$.inputs', '[]'), text = coalesce(record ->> '$.text', ''),
      size = coalesce(record ->> '$.layer.blob.size', 0), record = json_remove(record, '$.inputs')`,
    'create index cache_records_by_text on cache_records (project, text, created_at)',
    'create index cache_records_by_use on cache_records (used_at)',
  ],
};
