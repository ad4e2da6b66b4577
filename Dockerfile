# docker build -t qcxr .                               on CPUs
# docker build -t qcxr:cuda --build-arg EXTRA=cuda12 . with NVIDIA cards (or cuda13): CUDA comes with the Python packages
# docker run --rm -v "$PWD:/study" qcxr --cores 2 --configfile /opt/qcxr/config/demo.yaml          (cards: --gpus all)
FROM python:3.11-slim-bookworm
ARG EXTRA=""
ENV PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /opt/qcxr
COPY Snakefile LICENSE README.md constraints.txt pyproject.toml ./
COPY config config
COPY profiles profiles
COPY workflow workflow
COPY qcxr qcxr
# editable, so that scripts, rules and package are one tree, as in a clone
RUN pip install --no-cache-dir -c constraints.txt -e ".${EXTRA:+[$EXTRA]}"
WORKDIR /study
ENTRYPOINT ["snakemake", "--snakefile", "/opt/qcxr/Snakefile"]
