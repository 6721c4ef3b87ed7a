"""What training a model of any family needs: a budget, an average of the weights, a resumable record, a loop."""
