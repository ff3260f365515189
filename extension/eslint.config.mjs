import jupyter from '@jupyter/eslint-plugin';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'node_modules', 'src/records.ts'] },
  ...tseslint.configs.recommendedTypeChecked,
  reactHooks.configs['recommended-latest'],
  {
    plugins: { jupyter },
    rules: {
      ...jupyter.configs.recommended[0].rules,
      'jupyter/prefer-lazy-imports': 'off' // the panel is needed at once, and small
    }
  },
  {
    // tests speak as they like; the lists learn to speak with their next change
    files: ['src/**/*.test.ts*', 'src/panel/**', 'src/*/list.tsx'],
    rules: { 'jupyter/no-untranslated-string': 'off' }
  },
  {
    languageOptions: {
      parserOptions: {
        project: './tsconfig.test.json',
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // commands and tokens are grouped in namespaces throughout JupyterLab
      '@typescript-eslint/no-namespace': 'off',
      curly: 'error',
      eqeqeq: 'error'
    }
  }
);
