import { expect, it } from 'vitest';
import { formatPlatform, parsePlatform, platformMatches } from './platform.ts';

it.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['windows/amd64', 'windows/amd64'],
])('reads %s as %s', (text, platform) => {
  expect(formatPlatform(parsePlatform(text))).toBe(platform);
});

it.each(['', '/', 'linux//', 'linux/amd64/v1/x', 'lin ux'])('refuses %j', (text) => {
  expect(() => parsePlatform(text)).toThrow('invalid platform');
});

it('lets a missing variant match, and v8 be plain arm64', () => {
  const arm = (variant?: string) => ({
    os: 'linux',
    architecture: 'arm',
    ...(variant === undefined ? {} : { variant }),
  });
  expect(platformMatches(arm('v7'), arm())).toBe(true);
  expect(platformMatches(arm('v6'), arm('v7'))).toBe(false);
  expect(platformMatches({ os: 'linux', architecture: 'arm64', variant: 'v8' }, parsePlatform('linux/arm64'))).toBe(
    true,
  );
  expect(platformMatches(arm(), { os: 'linux', architecture: 'amd64' })).toBe(false);
});
