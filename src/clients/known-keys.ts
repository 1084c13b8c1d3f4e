// The keys of entries that an import understands, or that mean nothing to a gateway. People are told of all others.

const understood =
  'name type transport transportType protocol command cmd args env envs environment env_vars env_keys envFile cwd ' +
  'working_directory url uri serverUrl httpUrl headers http_headers env_http_headers bearer_token_env_var bearer_token ' +
  'bearerToken requestInit disabled enabled isActive quarantined timeout startup_timeout_sec startup_timeout_ms ' +
  'tool_timeout_sec connectionTimeout requestTimeout includeTools enabled_tools available_tools excludeTools disabled_tools ' +
  'disabledTools oauth auth authProviderType scopes oauth_resource headersHelper config settings';

/** What only people or the client itself need: descriptions, approvals, bookkeeping. */
const meaningless =
  'description title display_name icon gallery version source bundled tags trust alwaysAllow autoApprove always_allow ' +
  'autoStart start_on_launch required created updated default_tools_approval_mode tools watch dev lastUpdated installedAt ' +
  'metadata custom_instructions';

const known = new Set(`${understood} ${meaningless}`.toLowerCase().split(' '));

/** Whether a key of an entry need not be told. */
export const isKnownKey = (key: string) => known.has(key.toLowerCase());
