import type { Migration } from '../database.ts';

export const buckets: Migration = {
  name: '0007-buckets',
  up: [],
};
