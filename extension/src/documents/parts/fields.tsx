/** Small fields that choose how something is shown. */

import { InputGroup } from '@jupyterlab/ui-components';
import React, { useId } from 'react';

/** Something that is or is not so. */
export function Check({
  label,
  checked,
  onChange
}: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <label className="mlnb-Check">
      <input
        type="checkbox"
        checked={checked}
        onChange={event => onChange(event.target.checked)}
      />
      {label}
    </label>
  );
}

/** One of a few. */
export function Choice<T extends string>({
  label,
  value,
  choices,
  onChange
}: {
  label: string;
  value: T;
  /** Values with what they are called. */
  choices: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}): JSX.Element {
  const id = useId();
  return (
    <span className="mlnb-Choice">
      <label htmlFor={id}>{label}</label>
      <span className="mlnb-Select">
        <select
          id={id}
          className="jp-mod-styled"
          value={value}
          onChange={event => onChange(event.target.value as T)}
        >
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      </span>
    </span>
  );
}

/** A number between two others. */
export function Slider({
  label,
  value,
  most,
  step,
  onChange
}: {
  label: string;
  value: number;
  most: number;
  step: number;
  onChange: (value: number) => void;
}): JSX.Element {
  const id = useId();
  return (
    <span className="mlnb-Choice">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={most}
        step={step}
        value={value}
        onChange={event => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{value.toFixed(2)}</output>
    </span>
  );
}

/** Words that what is shown must have. */
export function Search({
  label,
  value,
  onChange
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <span className="mlnb-Search">
      <InputGroup
        type="search"
        placeholder={label}
        aria-label={label}
        rightIcon="ui-components:search"
        value={value}
        onChange={event => onChange(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape' && value) {
            event.stopPropagation();
            onChange('');
          }
        }}
      />
    </span>
  );
}

/** Whether a text has all words of a search. */
export function has(search: string, text: string): boolean {
  const lower = text.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every(word => lower.includes(word));
}
