/** A confidence interval in words. */

import { number } from '../text';

/** `0.71 … 0.74`; nothing where a notebook holds no two numbers. */
export function interval(bounds: unknown): string {
  const [low, high] = Array.isArray(bounds) ? (bounds as unknown[]) : [];
  return typeof low === 'number' && typeof high === 'number'
    ? `${number(low)} … ${number(high)}`
    : '';
}
