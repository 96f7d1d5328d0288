import type { Migration } from '../database.ts';

export const content: Migration = {
  name: '0001-content',
  up: [],
};
