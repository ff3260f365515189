/** The colours and the letters of charts are those of JupyterLab's theme. */

import type uPlot from 'uplot';

/** The value of a variable of the theme, as it is at an element. */
export function themed(node: HTMLElement, variable: string): string {
  return getComputedStyle(node).getPropertyValue(variable).trim();
}

/** How an axis looks. */
export function axisLook(node: HTMLElement): Partial<uPlot.Axis> {
  const line = {
    stroke: () => themed(node, '--jp-border-color2'),
    width: 1
  };
  return {
    stroke: () => themed(node, '--jp-ui-font-color2'),
    font: `11px ${themed(node, '--jp-ui-font-family') || 'sans-serif'}`,
    grid: line,
    ticks: { ...line, size: 4 },
    gap: 4
  };
}

/** Call a function when the theme has changed; returns how to stop. */
export function onTheme(call: () => void): () => void {
  const observer = new MutationObserver(call);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
  });
  return () => observer.disconnect();
}
