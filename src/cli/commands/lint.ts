import { lint } from '../../lint/lint.ts';
import { readProject } from '../../lint/project/read-project.ts';
import { countFindings, renderFinding } from '../../lint/report.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

interface LintOptions {
  strict?: boolean;
  json?: boolean;
}

/** Prints what goes wrong in a folder. The exit code is that of a failed check for errors, with `strict` for warnings too. */
export async function lintFolder(context: CliContext, options: LintOptions, folder = '.'): Promise<number> {
  const project = await readProject(folder);
  const findings = lint(project);
  const { configs, dockerfiles, dockerignores, gcloudignore, ci } = project;
  const files =
    configs.length +
    dockerfiles.size +
    dockerignores.size +
    (gcloudignore?.texts.size ?? 0) +
    (ci === undefined ? 0 : 1);
  if (options.json)
    context.terminal.out(
      `${JSON.stringify({
        files,
        findings: findings.map(({ place: { file, ranges }, ...finding }) => ({ file, ranges, ...finding })),
      })}\n`,
    );
  else {
    for (const finding of findings) context.terminal.out(`${renderFinding(finding)}\n\n`);
    context.terminal.out(`${countFindings(findings, files)}\n`);
  }
  const failing = findings.some(({ severity }) => options.strict || severity === 'error');
  return failing ? EXIT.failed : EXIT.done;
}
