# A worker. The default build takes PyTorch's CPU wheels; for NVIDIA cards build with
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE}
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY contracts contracts
COPY workers workers
COPY aigc_core aigc_core
COPY aigc aigc
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url "${TORCH_INDEX}" ".[worker]" \
    && python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('discord') is not None)" \
    && rm -rf /app/* \
    && useradd --uid 10001 --create-home aigc && mkdir -p /models && chown aigc /models
USER aigc
ENV PYTHONUNBUFFERED=1 AIGC_MODELS=/models
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "aigc.health", "worker"]
CMD ["aigc", "worker"]
