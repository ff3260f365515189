/** Lines of the grammar about pipelines. */

import type { PipelineParameter } from '../../records';
import { word } from '../parts/ask';

/** `%pipeline run pipeline.yaml -p day 3 --from train`. */
export function runLine(
  path: string,
  parameters: PipelineParameter[],
  values: { [name: string]: string },
  ...flags: string[]
): string {
  const given = parameters.flatMap(parameter => {
    const value = values[parameter.name];
    return value === undefined || value === shown(parameter.default)
      ? []
      : flag(parameter, value);
  });
  return ['%pipeline run', word(path), ...given, ...flags].join(' ');
}

function flag(parameter: PipelineParameter, value: string): string[] {
  const { name, type } = parameter;
  const plain = value.trim();
  if (type.startsWith('list') || type.startsWith('dict')) {
    return ['-y', word(`${name}: ${plain}`)];
  }
  const isText = type === 'str' && /^[-+\d.]|^(true|false|none)$/i.test(plain);
  return [isText ? '-r' : '-p', word(name), word(plain)];
}

/** A value as the form and the line show it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a text of the form is, for the route that plans. */
export function read(parameter: PipelineParameter, text: string): unknown {
  const plain = text.trim();
  if (parameter.type === 'str' || !plain) {
    return text;
  }
  if (/^(true|false)$/i.test(plain)) {
    return plain.toLowerCase() === 'true';
  }
  try {
    return JSON.parse(plain);
  } catch {
    return text;
  }
}

/** `int, 1 to 31. Which day`. */
export function about(parameter: PipelineParameter): string {
  const { min, max, type, help } = parameter;
  const limits =
    min !== null && max !== null
      ? `${min} to ${max}`
      : min !== null
        ? `≥ ${min}`
        : max !== null
          ? `≤ ${max}`
          : '';
  const kind = [type, limits].filter(Boolean).join(', ');
  return [kind, help].filter(Boolean).join(' · ');
}
