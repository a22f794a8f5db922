# make figures       all figures and claims, on CORES cores; SCALE=smoke, CONFIGFILE=mine.yaml override config.yaml
#                    FROM=bundle.tar.zst, or a folder: those of a bundle, into results/bundle, without training
# make bundle        results/bundle.tar.zst: what was recorded, measured, judged and drawn, to be passed on; FIGURES chooses
# make referee       PAPER=razin_cohen_2020: in at most ten minutes, one page of published against measured; fails as claims
# make claims        the verdicts; fails if one of them is not the verdict on record
# make cheap         the verdicts of the figures that take at most a minute; fails as `make claims` does
# make horizon       docs/horizon.md: the same figures with SEEDS (20) seeds, and how far their claims hold
# make engines       closed forms and autograd at smoke scale: the same runs until rounding parts them, the same verdicts
# make portability   docs/portability.md: the same, or FIGURES, as other machines would build them; fails if a verdict differs
# make test          unit tests, and builds at smoke scale
# make doctor        what this machine has for a build, and what is missing
# make lint          format, style, types, and the Snakefile
# make test-faults   builds survive kills, full disks, damaged files, ...; FAULTS=short takes two minutes
# make package       wheel and sdist, installed without the repository and without Snakemake
# make publication   citation, metadata, a bundle's RO-Crate and the Containerfile, checked by the programs of others
# make api           build/api/index.html: the reference of all public names
# make notebooks     runs docs/notebooks, and keeps what they show
# make test-cluster  builds through a Slurm that is started here; needs root, and slurm-wlm and munge of Debian
# make test-page     the page in a browser; needs chromium and chromium-driver of Debian, and npm for accessibility
# make test-gpu      what a GPU proves in nine minutes, into OUT; without one, or with DEVICE=cpu, tiny sizes
# make bench         each training step against plain autograd and the peak rate of this machine; BASE=commit: against that commit
# make scaling       how the cost of a step grows with columns, components, runs, threads and jobs
# make plan-bench    the cost of planning many more runs or jobs than the paper scale has
# make record        docs/published_vs_ours.md, docs/figures and the tables in the READMEs, from the results
# make tex           results/tex: claims.tex with \claim{figure}{claim}{measured}, and each figure, for a paper in LaTeX
# make schema        workflow/schemas, from the typed config
# make lock          new versions into envs/requirements.lock
# make hashes        envs/requirements.hashes: SHA-256 of what the lock names; needs uv
# make wheels        a folder of all packages, WHEELS or wheels, for a machine without network: make figures WHEELS=folder
# make environment   .venv, from envs/requirements.lock; every other target makes it too; PYTHON=python3.12 chooses;
#                    WHEELS=folder, HASHES=1, TORCH=cpu, INSTALLER=uv: see envs/environment.sh
# make clean         removes the results; images and ratings stay

# Of this machine: nproc would take what a shell sets for libraries as the number of cores.
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || echo 2)
SEEDS ?= 20

# Paths come as variables of the shell, which bear spaces, quotes and dollars.
FILES := $(if $(CONFIGFILE),--configfile "$$CONFIGFILE")
# `python -m`: the first line of an installed command does not bear every path.
SNAKEMAKE := python -m snakemake --cores $(CORES) $(FILES) $(if $(SCALE),--config scale=$(SCALE))
# The same for scripts, which find the results folder as Snakemake does.
GIVEN := $(FILES) $(if $(SCALE),--scale $(SCALE))

export PATH := $(value CURDIR)/.venv/bin:$(value PATH)
# What Python would read from the caller's environment; for jobs see workflow/greedyrank/clean_room.py.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE PYTHONINSPECT

.PHONY: figures bundle referee test test-figures test-elsewhere test-faults test-cluster test-page test-gpu package publication api notebooks doctor lint claims cheap horizon engines portability bench scaling plan-bench record tex schema lock hashes wheels clean environment

# Without what authors released the figures are built all the same.
ifdef FROM
figures: environment
	python scripts/redraw.py "$$FROM" --cores $(CORES) $(FILES)
else
figures: environment
	-@$(SNAKEMAKE) --quiet all -- released
	$(SNAKEMAKE)
endif

bundle: environment
	$(SNAKEMAKE) -- $(FIGURES)
	python scripts/bundle.py $(if $(FIGURES),--figures $(FIGURES)) $(GIVEN)

referee: environment
	@python scripts/referee.py "$$PAPER" --cores $(CORES) $(GIVEN)

test: environment
	python -m pytest --numprocesses $(CORES) --dist worksteal --ignore tests/pipeline/elsewhere

test-figures: environment
	python -m pytest --numprocesses $(CORES) --dist worksteal tests/figures

test-elsewhere: environment
	python -m pytest --numprocesses $(CORES) --dist worksteal tests/pipeline/elsewhere

test-faults: environment
	python -m pytest tests/faults $(if $(filter short,$(FAULTS)),-m "not long")

test-cluster: environment
	timeout --signal=INT --kill-after=60 900 python -m pytest tests/cluster

# axe-core checks the accessibility of the page; it is not kept.
test-page: environment
	@npm install --silent --no-save --prefix build/axe axe-core@4.14.1 \
	  || echo "npm is missing, or found no axe-core: accessibility is not checked"
	AXE="$$PWD/build/axe/node_modules/axe-core/axe.min.js" timeout 600 python -m pytest tests/browser

test-gpu: environment
	bash scripts/gpu_proof.sh "$${OUT:-results/gpu}" $(if $(DEVICE),--device $(DEVICE))

doctor: environment
	@python scripts/doctor.py

package: environment
	timeout 180 python -m pytest tests/package

# What checks lives in an environment of its own.
publication: environment
	$(SNAKEMAKE) --config scale=smoke -- det_sign
	python scripts/bundle.py --scale smoke --figures det_sign --out build/bundle.tar.zst
	python -m venv --clear build/publication
	build/publication/bin/python -m pip install --quiet --requirement envs/publication.txt
	build/publication/bin/python tests/publication.py build/bundle.tar.zst
	build/publication/bin/hadolint envs/Containerfile

api: environment
	python scripts/api_reference.py --out build/api

notebooks: environment
	python tests/notebooks.py

lint: environment
	ruff check .
	ruff format --check .
	python -m mypy
	python -m snakefmt --check Snakefile workflow/rules
	python -m snakemake --lint

claims: environment
	@$(SNAKEMAKE) --quiet all -- page
	@python scripts/claims_table.py $(GIVEN)

cheap: environment
	$(SNAKEMAKE) -- cheap
	@$(SNAKEMAKE) --quiet all -- page
	@python scripts/claims_table.py $(GIVEN)

horizon: environment
	python -m snakemake --cores $(CORES) cheap --config seeds=$(SEEDS)
	python scripts/horizon.py --seeds $(SEEDS) --out docs/horizon.md

engines: environment
	python scripts/engines.py --out results/engines.json
	python -m snakemake --cores $(CORES) claims --config results_dir=results scale=smoke
	python -m snakemake --cores $(CORES) claims --config results_dir=results scale=smoke engine=autograd
	python scripts/compare_builds.py results/smoke results/smoke_engine-autograd

portability: environment
	python scripts/portability.py $(if $(FIGURES),--figures $(FIGURES)) --cores $(CORES) --out docs/portability.md

bench: environment
	python scripts/bench.py $(GIVEN) $(if $(BASE),--base $(BASE)) $(if $(CASES),--cases $(CASES))

scaling: environment
	python scripts/scaling.py $(GIVEN)

plan-bench: environment
	python tests/scale.py

record: environment
	@$(SNAKEMAKE) --quiet all -- page
	python scripts/record.py $(GIVEN)

tex: environment
	@$(SNAKEMAKE) --quiet all -- page
	python scripts/tex.py $(GIVEN)

schema: environment
	python -m greedyrank.config.schema workflow/schemas

environment:
	@sh envs/environment.sh

# torch and torchvision go together and are named here; the rest follows pyproject.toml. torch's CUDA
# packages are left out of the lock: which of them a machine needs is for its own pip to decide.
lock:
	"$${PYTHON:-python3}" -Im venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet torch==2.13.0 torchvision==0.28.0 setuptools '.[dev]'
	( echo "# Written by 'make lock': everything that the tests ran with, without torch's CUDA packages."; \
	  .venv-lock/bin/python -m pip freeze --all --exclude greedyrank --exclude pip \
	  | grep --invert-match --extended-regexp '^(nvidia-|cuda-|triton)' | sed 's/+cpu//' ) > envs/requirements.lock.new
	mv envs/requirements.lock.new envs/requirements.lock
	rm -r .venv-lock build

# Of the very versions in the lock, so nothing is resolved or downloaded.
hashes:
	( echo "# Written by 'make hashes' (uv): SHA-256 of every file of the versions in requirements.lock, for all platforms. torch and"; \
	  echo "# torchvision are left out: the file that one version has differs between package indexes (CPU and CUDA builds)."; \
	  uv pip compile --quiet --no-deps --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  --no-emit-package torch --no-emit-package torchvision envs/requirements.lock ) > envs/requirements.hashes.new
	mv envs/requirements.hashes.new envs/requirements.hashes

wheels:
	"$${PYTHON:-python3}" -m pip wheel --quiet --wheel-dir "$${WHEELS:-wheels}" --requirement envs/requirements.lock

clean: environment
	python scripts/clean.py $(FILES)
	rm -rf .snakemake
