/** What a program says, as it says it. */

import React, { useLayoutEffect, useRef } from 'react';

import { trans } from '../../translation';

export interface ILogProps {
  text: string;
  /** What it is the output of, for a screen reader. */
  label: string;
  /** Shown while there is no text. */
  empty: string;
  /** Whether what came before the text is not kept. */
  cut?: boolean;
}

/** The text, scrolled to its end for as long as the reader does not scroll up. */
export function Log({ text, label, empty, cut }: ILogProps): JSX.Element {
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (follows.current && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text]);
  if (!text) {
    return <p className="mlnb-Empty">{empty}</p>;
  }
  return (
    <>
      {cut && (
        <p className="mlnb-Log-cut">{trans.__('Only the end is shown.')}</p>
      )}
      <pre
        ref={box}
        className="mlnb-Log"
        role="log"
        aria-label={label}
        tabIndex={0}
        onScroll={event => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < 8;
        }}
      >
        {text}
      </pre>
    </>
  );
}
