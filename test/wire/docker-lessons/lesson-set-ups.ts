import { commandLessons } from './command-lessons.ts';
import { type DockerSetUp, setUps } from './docker-clients.ts';
import type { Lesson } from './lessons.ts';

/** What builds nothing is asked by each client once. */
export function setUpsOf(lesson: Lesson): readonly DockerSetUp[] {
  return commandLessons.includes(lesson) ? setUps.filter(({ builder }) => builder === '0') : setUps;
}
