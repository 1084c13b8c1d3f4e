import { launchd } from '../../src/cli/service/launchd.ts';
import type { ServiceManager, ServiceSettings } from '../../src/cli/service/manager.ts';
import { systemd } from '../../src/cli/service/systemd.ts';
import { taskScheduler } from '../../src/cli/service/task-scheduler.ts';

/** Paths with all that a format may take for its own: spaces, quotes, percent and dollar signs, letters beyond ASCII. */
export const uglyPosix: ServiceSettings = {
  program: ['/home/ada/My $HOME 100%/é "quoted" \'x\'/back\\slash/mcpstead'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is what makes it ugly.
  config: '/home/ada/.config/a b/50%h $USER ${HOME} "q" \'s\' <&> ß\\n.yaml',
  path: '/home/ada/bin dir:/opt/50%/bin:/opt/$x/bin:/opt/"q"/bin:/usr/bin',
  stateHome: '/home/ada/state & more',
  stopSeconds: 15,
};

export const plainPosix: ServiceSettings = {
  program: ['/usr/local/bin/mcpstead'],
  config: '/home/ada/.config/mcpstead/mcpstead.yaml',
  path: '/home/ada/.local/bin:/usr/local/bin:/usr/bin:/bin',
  stateHome: null,
  stopSeconds: 15,
};

/** Windows allows no quotation marks in paths, and the rest of the characters that mean something to cmd.exe. */
export const uglyWindows: ServiceSettings = {
  program: ['C:\\Users\\Ada & Zoë\\100% (x86)\\%PATH%\\!go!\\mcpstead.exe'],
  config: "C:\\Users\\Ada & Zoë\\AppData\\Roaming\\mcpstead\\it's ^ 50%.yaml",
  path: null,
  stateHome: null,
  stopSeconds: 15,
};

/** The managers of the three systems, for the same user. */
export const managers: Readonly<Record<'systemd' | 'launchd' | 'task-scheduler', ServiceManager>> = {
  systemd: systemd({ platform: 'linux', env: { HOME: '/home/ada' } }),
  launchd: launchd({ platform: 'darwin', env: { HOME: '/Users/Ada & Zoë' } }, 501),
  'task-scheduler': taskScheduler({
    platform: 'win32',
    env: {
      LOCALAPPDATA: 'C:\\Users\\Ada & Zoë\\AppData\\Local',
      USERNAME: 'Ada & Zoë',
      USERDOMAIN: 'HOME-PC',
    },
  }),
};
