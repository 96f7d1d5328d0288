import type { BuildRequest } from './request.ts';

/** Whether any step asks for every substitution as an environment variable; then each of them counts as used. */
export function isAutomapped({ steps, options }: BuildRequest): boolean {
  return (steps ?? []).some((step) => step.automapSubstitutions ?? options?.automapSubstitutions);
}

/** automapSubstitutions: every value is an environment variable of the step, unless step or options set it themselves. */
export function automap(request: BuildRequest, values: Readonly<Record<string, string>>): BuildRequest {
  if (!isAutomapped(request)) return request;
  const shared = request.options?.env ?? [];
  const steps = request.steps?.map((step) => {
    if (!(step.automapSubstitutions ?? request.options?.automapSubstitutions)) return step;
    const own = new Set([...(step.env ?? []), ...shared].map((pair) => pair.split('=', 1)[0]));
    const mapped = Object.entries(values)
      .filter(([key]) => !own.has(key))
      .map(([key, value]) => `${key}=${value}`);
    return { ...step, env: [...mapped, ...(step.env ?? [])] };
  });
  return { ...request, steps };
}
