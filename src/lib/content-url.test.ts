import { describe, expect, it } from 'vitest';
import { contentUrlText, parseContentUrl } from './content-url.ts';

describe('the place of content', () => {
  it.each([
    ['disk', 'disk'],
    ['s3://team-images', 's3://team-images'],
    ['s3://team-images/', 's3://team-images'],
    ['s3://team.images/a/b_c/d.e', 's3://team.images/a/b_c/d.e'],
    ['gs://team_images/slipway/', 'gs://team_images/slipway'],
  ])('%s is %s', (text, spelled) => {
    const url = parseContentUrl(text);
    expect(url === undefined ? undefined : contentUrlText(url)).toBe(spelled);
  });

  it.each([
    '',
    'Disk',
    's3://',
    's3://x',
    's3://Team',
    's3://team//a',
    's3://team/../other',
    's3://team/a b',
    's3://team/a?x=1',
    'https://team/a',
    's3://key:secret@team/a',
  ])('%j is none', (text) => {
    expect(parseContentUrl(text)).toBeUndefined();
  });
});
