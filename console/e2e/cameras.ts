import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Status { sites: { name: string; namespace: string }[] }
interface Frame { kind: string; result: string; site: string }

export interface Cameras {
  answered(): readonly string[];   // the site of each frame that was answered
  end(): Promise<void>;
}

// The street cabinets' cameras: real footage, to the service's stable address, from where the streams come in.
export function startCameras(weir: string, service: string): Cameras {
  const { sites } = JSON.parse(execFileSync(weir, ['lab', 'status', '-o', 'json'], { encoding: 'utf8' })) as Status;
  const answered: string[] = [];
  const cameras = ['street-a', 'street-b'].map((ingress, i): ChildProcess => {
    const namespace = sites.find((site) => site.name === ingress)?.namespace ?? '';
    const camera = spawn('nsenter', [`--net=/run/netns/${namespace}`, join(weir, '../../examples/city-cameras/camera'), '--service', service, '--ingress', ingress,
      '--streams', '6', '--first-stream', String(6 * i), '--phases', '12', '--fps', '2'], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface(camera.stdout).on('line', (line) => {
      const frame = line.startsWith('{') ? JSON.parse(line) as Frame : undefined;
      if (frame?.kind === 'frame' && frame.result !== 'lost') answered.push(frame.site);
    });
    return camera;
  });
  const ended = (camera: ChildProcess) => new Promise<void>((done) => {
    if (camera.exitCode !== null) return done();
    camera.once('exit', () => done());
    camera.kill('SIGTERM');
  });
  return { answered: () => answered, end: async () => void (await Promise.all(cameras.map(ended))) };
}
