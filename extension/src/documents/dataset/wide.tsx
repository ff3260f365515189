/** A table that may be wider, or taller, than its room: scrolled by mouse and keyboard. */

import React from 'react';

export function Wide({
  label,
  tall = false,
  children
}: {
  /** What it holds, for a screen reader. */
  label: string;
  tall?: boolean;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div
      className={`mlnb-Wide${tall ? ' mlnb-mod-tall' : ''}`}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      {children}
    </div>
  );
}
