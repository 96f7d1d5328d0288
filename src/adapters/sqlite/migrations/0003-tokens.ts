import type { Migration } from '../database.ts';

export const tokens: Migration = {
  name: '0003-tokens',
  up: [],
};
