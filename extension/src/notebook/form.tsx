/** The parameters of a notebook as a form: typed as the notebook declares them. */

import { ReactWidget } from '@jupyterlab/apputils';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React, { useEffect, useId, useState } from 'react';

import type { FormField, HeadlessLine, ParameterForm } from '../records';
import { trans } from '../translation';

/** What was typed in. */
export interface IFilled {
  output: string;
  /** Values that are not the default ones. */
  values: { [name: string]: string };
  secrets: { [name: string]: string };
}

/** Milliseconds after the last key before the server is asked what it thinks. */
const PAUSE = 250;
const NONE = 'None';

export class HeadlessForm extends ReactWidget {
  /**
   * @param _form - What is asked for.
   * @param _check - Asks the server for the line, and what is wrong.
   * @param filled - What was typed in before.
   */
  constructor(
    private readonly _form: ParameterForm,
    private readonly _check: (filled: IFilled) => Promise<HeadlessLine>,
    public filled: IFilled
  ) {
    super();
    this.addClass('mlnb-Ask');
    this.addClass('mlnb-Headless');
  }

  protected override render(): JSX.Element {
    return (
      <Fields
        form={this._form}
        check={this._check}
        first={this.filled}
        onFilled={filled => (this.filled = filled)}
      />
    );
  }
}

function Fields({
  form,
  check,
  first,
  onFilled
}: {
  form: ParameterForm;
  check: (filled: IFilled) => Promise<HeadlessLine>;
  first: IFilled;
  onFilled: (filled: IFilled) => void;
}): JSX.Element {
  const [filled, setFilled] = useState(first);
  const [answer, setAnswer] = useState<HeadlessLine | null>(null);
  useEffect(() => {
    onFilled(filled);
    let current = true;
    const timer = window.setTimeout(() => {
      check(filled).then(
        found => current && setAnswer(found),
        () => undefined // it is said when the notebook is to run
      );
    }, PAUSE);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [check, filled, onFilled]);
  const set = (field: FormField, value: string): void =>
    setFilled(before => withValue(before, field, value));
  const problems = answer?.problems ?? {};
  const output: FormField = {
    name: 'output',
    kind: 'text',
    annotation: '',
    default: form.output,
    help: trans.__('Where the executed notebook is written, in the project.'),
    choices: [],
    optional: false,
    present: false
  };
  return (
    <>
      {form.problem && <p className="mlnb-Headless-problem">{form.problem}</p>}
      {form.fields.length === 0 && !form.problem && (
        <p>
          {trans.__(
            'The notebook declares no parameters: no cell has the tag “parameters”.'
          )}
        </p>
      )}
      {form.fields.map(field => (
        <Field
          key={field.name}
          field={field}
          value={valueOf(filled, field)}
          problem={problems[field.name]}
          onChange={value => set(field, value)}
        />
      ))}
      <Field
        field={output}
        label={trans.__('Output notebook')}
        value={filled.output}
        problem={problems.output}
        onChange={value =>
          setFilled(before => ({ ...before, output: value.trim() }))
        }
      />
      <pre className="mlnb-Headless-line" aria-label={trans.__('The line')}>
        {answer?.line ?? ''}
      </pre>
    </>
  );
}

function valueOf(filled: IFilled, field: FormField): string {
  return field.kind === 'secret'
    ? (filled.secrets[field.name] ?? '')
    : (filled.values[field.name] ?? field.default);
}

/** What is as the notebook says is not given: the line stays short. */
function withValue(before: IFilled, field: FormField, value: string): IFilled {
  const part = field.kind === 'secret' ? 'secrets' : 'values';
  const others = Object.fromEntries(
    Object.entries(before[part]).filter(([name]) => name !== field.name)
  );
  const empty = value === '' && field.kind !== 'text';
  const given = empty && field.optional ? NONE : value;
  const asItIs =
    part === 'secrets' ? !value : given === field.default || (empty && !given);
  return {
    ...before,
    [part]: asItIs ? others : { ...others, [field.name]: given }
  };
}

function Field({
  field,
  label = field.name,
  value,
  problem,
  onChange
}: {
  field: FormField;
  label?: string;
  value: string;
  problem?: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const id = useId();
  const help = [problem, field.help].filter(Boolean).join(' ');
  const shared = {
    id,
    'aria-describedby': help ? `${id}-help` : undefined,
    'aria-invalid': problem ? true : undefined
  };
  return (
    <div className={`mlnb-Field${problem ? ' mlnb-mod-bad' : ''}`}>
      <label htmlFor={id}>
        {label}
        {field.annotation && <code>{field.annotation}</code>}
      </label>
      <Input field={field} value={value} shared={shared} onChange={onChange} />
      {problem && (
        <p id={`${id}-help`} role="alert">
          {problem}
        </p>
      )}
      {!problem && field.help && <p id={`${id}-help`}>{field.help}</p>}
    </div>
  );
}

interface IInputProps {
  field: FormField;
  value: string;
  shared: object;
  onChange: (value: string) => void;
}

function Input({ field, value, shared, onChange }: IInputProps): JSX.Element {
  const change = (
    event: React.ChangeEvent<
      HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement
    >
  ): void => onChange(event.target.value);
  switch (field.kind) {
    case 'boolean':
      return (
        <input
          {...shared}
          type="checkbox"
          checked={value === 'True'}
          onChange={event => onChange(event.target.checked ? 'True' : 'False')}
        />
      );
    case 'choice':
      return (
        <HTMLSelect {...shared} value={value} onChange={change}>
          {field.optional && <option value="">{NONE}</option>}
          {field.choices.map(choice => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </HTMLSelect>
      );
    case 'value':
      return (
        <textarea
          {...shared}
          className="jp-mod-styled"
          rows={2}
          spellCheck={false}
          value={value}
          onChange={change}
        />
      );
    default:
      return (
        <input
          {...shared}
          className="jp-mod-styled"
          type={TYPES[field.kind] ?? 'text'}
          inputMode={field.kind === 'number' ? 'decimal' : undefined}
          autoComplete={field.kind === 'secret' ? 'new-password' : 'off'}
          placeholder={placeholder(field)}
          spellCheck={false}
          value={value === NONE && field.optional ? '' : value}
          onChange={change}
        />
      );
  }
}

const TYPES: { [kind: string]: string } = {
  integer: 'number',
  date: 'date',
  secret: 'password'
};

function placeholder(field: FormField): string {
  if (field.kind === 'secret') {
    return field.present
      ? trans.__("from the server's environment")
      : trans.__('not kept anywhere');
  }
  return field.optional ? NONE : '';
}
