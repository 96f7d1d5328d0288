import type { Migration } from '../database.ts';

export const cache: Migration = {
  name: '0005-cache',
  up: [],
};
