/** The flags that several commands share. */
export const configFlag = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  summary: 'Configuration file in YAML; by default $MCPSTEAD_CONFIG, else ~/.config/mcpstead/mcpstead.yaml',
} as const;

export const helpFlag = { type: 'boolean', short: 'h', summary: 'Show this help' } as const;

export const jsonFlag = { type: 'boolean', summary: 'Print one JSON object' } as const;

export const yesFlag = { type: 'boolean', short: 'y', summary: 'Do not ask' } as const;
